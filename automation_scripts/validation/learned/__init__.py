"""What a tree says of itself: rules that nearly all comparable places keep, and the few that break them."""
