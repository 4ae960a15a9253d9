"""Models in GGUF files, llama.cpp's format, read as if Hugging Face had published them."""
