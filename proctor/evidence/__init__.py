"""Can these bytes be believed? The format of docs/spec/evidence-v1.md, and nothing else."""
