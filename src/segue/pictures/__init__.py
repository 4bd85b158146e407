"""Pictures of the graph, the vectors and figures; networkx and matplotlib are imported late."""
