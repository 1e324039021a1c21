"""spark-testing-base's own tests of its base classes for RDDs, which the package ships."""

import sys
import unittest

from sparktestingbase.test import helloworld_test, reuse_spark_context_test, simple_test

tests = unittest.TestSuite(
    unittest.defaultTestLoader.loadTestsFromModule(module)
    for module in (helloworld_test, simple_test, reuse_spark_context_test)
)
sys.exit(not unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(tests).wasSuccessful())
