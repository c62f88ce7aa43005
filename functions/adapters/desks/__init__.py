"""Desks: where it is decided over incidents and saved, in one write, and where what follows from it is done."""
