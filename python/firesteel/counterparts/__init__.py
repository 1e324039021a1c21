"""Modules that only programs see whose imports say ``pyspark``: each has the names of one of PySpark's.

:mod:`firesteel.as_pyspark` puts them in the places of PySpark's; Firesteel itself uses none of them.
"""
