"""Regression tables: what a data set is, its split and its scaling."""
