"""Regression tables: what a data set is, how one is read from CSV files, its split and scaling."""
