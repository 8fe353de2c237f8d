"""What each choice of the network is worth: variants of one small model, trained at equal compute, compared.

`variants` says which there are, `training` trains and measures one of them, `report` makes tables, `figure` the
picture, and `folder` does it all and keeps the results.
"""
