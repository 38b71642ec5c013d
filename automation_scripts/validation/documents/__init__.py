"""What a tree is and holds: nodes, kinds of documents, objects in them, and findings that point at nodes."""
