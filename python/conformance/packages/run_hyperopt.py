"""hyperopt's own tests of ``SparkTrials``, which the package ships: searches whose trials are jobs of one task each."""

import sys
import unittest

from hyperopt.tests.integration import test_spark

ran = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(
    unittest.defaultTestLoader.loadTestsFromModule(test_spark)
)
sys.exit(not ran.wasSuccessful())
