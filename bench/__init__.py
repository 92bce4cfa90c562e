"""How the models of the zoo are measured: pure measurements first, thin doors last."""
