"""Regression tables: the data set, its reading from CSV files, its split and its scaling."""
