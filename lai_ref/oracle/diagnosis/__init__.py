"""The diagnosis of a port from its answers: where it is wrong, what kind of error, which mistake.

diagnose            the wrong groups, in the order of dependence
where               inheritance: a group whose errors follow from another group
what kind           findings, from numbers (tables of the answers) by
    where_wrong       conditions (facts of cases and numbers) and ratios
    other_inputs      changes, changes_of_network: the right answer to other inputs
    parts             parts of gradients; update, step_gradient: of Adam; combinations of parts
    placement         order, repetition, scale;  sizes_of_errors
    properties        consistency: by further questions (follow_up, probes)
which mistake       mistakes: comparison with the mutants
"""
