"""The models that Doorward ships: manifest, building, evaluation, verification."""
