"""`kubectl alphatrade`: what trades, stop it, and why it does not. Everything goes through kubectl itself."""
