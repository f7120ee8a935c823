"""What brings the function to a cloud; not deployed."""
