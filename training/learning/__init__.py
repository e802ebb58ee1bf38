"""From logged cases to tables: nuisances, teachers, their stack, distilled students, errors."""
