"""Process groups that share training steps: workers.py on one machine, mpi.py on several, launcher.py beside it."""
