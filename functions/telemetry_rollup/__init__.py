"""What people see, every five minutes, over the hour before."""
