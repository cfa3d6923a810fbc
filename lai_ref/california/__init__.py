"""The data of the paper's experiments: Kaggle's files, or synthetic data in their place."""
