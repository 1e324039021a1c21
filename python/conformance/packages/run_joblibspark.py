"""The example of joblib-spark's README: scikit-learn's cross validation, each fold in a task."""

from joblib import parallel_backend
from joblibspark import register_spark
from sklearn import datasets, svm
from sklearn.model_selection import cross_val_score


register_spark()
iris = datasets.load_iris()
clf = svm.SVC(kernel="linear", C=1)
with parallel_backend("spark", n_jobs=3):
    scores = cross_val_score(clf, iris.data, iris.target, cv=5)
assert len(scores) == 5 and scores.min() > 0.9, scores
print(scores)
