"""Pictures of the graph, of the vectors and of figures; networkx and matplotlib load late."""
