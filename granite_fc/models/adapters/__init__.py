"""LoRA and QLoRA: a frozen, possibly quantised base with small trained matrices beside it."""
