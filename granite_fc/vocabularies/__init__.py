"""Vocabularies: text to token ids and back, without TensorFlow."""

from granite_fc.vocabularies.load import load_vocabulary, shipped_vocabularies
from granite_fc.vocabularies.vocabulary import Vocabulary

__all__ = ["Vocabulary", "load_vocabulary", "shipped_vocabularies"]
