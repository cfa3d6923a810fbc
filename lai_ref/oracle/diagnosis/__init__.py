"""What is wrong in a port, from its answers: where, what kind of error, and which mistake.

diagnose            the wrong groups, in the order of dependence
where               inheritance: a group whose errors follow from another's
what kind           findings, from numbers (the answers in tables) by
    where_wrong       conditions (facts of cases and numbers) and ratios
    other_inputs      changes, changes_of_network: the right answer to another question
    parts             of gradients; update, step_gradient: of Adam; combinations of parts
    placement         order, repetition, scale;  sizes_of_errors
    properties        consistency: what further questions show (follow_up, probes)
which mistake       mistakes: the mutants
"""
