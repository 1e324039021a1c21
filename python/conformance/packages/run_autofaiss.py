"""An index of vectors that is built by tasks: ``build_index(..., distributed="pyspark")`` of autofaiss."""

import os

import faiss
import numpy as np
from autofaiss import build_index
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[2]").appName("autofaiss").getOrCreate()
os.mkdir("embeddings")
vectors = np.random.default_rng(7).random((3000, 16), dtype=np.float32)
for part in range(3):
    np.save(f"embeddings/part_{part}.npy", vectors[part * 1000 : (part + 1) * 1000])
index, _ = build_index(
    embeddings=os.path.abspath("embeddings"),
    distributed="pyspark",
    file_format="npy",
    temporary_indices_folder=os.path.abspath("indices"),
    index_path=os.path.abspath("knn.index"),
    index_infos_path=os.path.abspath("infos.json"),
    max_index_memory_usage="100MB",
    current_memory_available="1GB",
    index_key="IVF16,Flat",
    metric_type="l2",
    nb_indices_to_keep=1,
)
index = index or faiss.read_index("knn.index")
distances, found = index.search(vectors[:5], 1)
assert index.ntotal == 3000 and found[:, 0].tolist() == [0, 1, 2, 3, 4], (index.ntotal, found)
