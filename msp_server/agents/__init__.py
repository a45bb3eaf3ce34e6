"""Who answers: agents, the router that chooses among them, and two agents to begin with."""
