"""The use case: what is learned here, from which features, and how it is judged.

Everything beside the package of the use case is the same for all use cases. It asks for:

evaluation  `split(frame, data)`, rows to learn from and rows to judge on; `Evaluation`, the metrics
features    `NAMES`, `TARGET`, `build(tables)`, the one definition for training and serving;
            `GROWS_BY`, the column that tells copies apart when the data grows
models      `CANDIDATES`, `DEFAULT`, `untrained(candidate, seed)`
rules       `is_rule(name)`, `Rule(name)`: what answers without a model
serving     `current(tables, view)`, the rows to answer now; `present(rows, answers)`, which also
            takes the explanation where what answers has one; `sources(days, row)`, the rows of the
            data that one of these was made from, if `nox -s trace` is to find them; `held(rows,
            answers)`, why an answer waits for a person, if it may have to; `instead(tables)`, the
            name of what people are shown who did not consent, and what that is, by column;
            `COLLECTORS`, what else Prometheus may read of it
"""

from .{{ cookiecutter.use_case }} import evaluation, features, models, rules, serving

__all__ = ["evaluation", "features", "models", "rules", "serving"]
