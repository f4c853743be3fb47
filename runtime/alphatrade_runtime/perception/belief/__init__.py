"""What the loop believes: standardised features, a value of 32 numbers and a sparse code of 512 neurons."""
