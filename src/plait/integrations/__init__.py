"""What do other people's services hear of runs? Components of a stack that are built on the public hooks alone."""
