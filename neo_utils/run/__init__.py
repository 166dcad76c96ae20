"""Running notebooks: kernels, execution, the summary, and the commands that maintain an output."""
