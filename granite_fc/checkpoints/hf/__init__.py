"""Models as Hugging Face publishes them: read into our parameters, and written from them."""
