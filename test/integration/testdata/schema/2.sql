-- The rows that schema version 2 brought for the issues of 1.sql.
INSERT INTO issues (key, name, namespace, type, severity, stage, problem_key, application, component, group_key, origin, scope_kind, scope_name, scope_namespace, state, run_names, run_uids, search_text) VALUES
('/issues.kite.dev/issues/team-gamma/backend', 'backend', 'team-gamma', 'build', 'critical', '', '', 'shop', '', '', '', 'Component', 'backend', 'team-gamma', 'Resolved', '{}', '{}', 'build of backend fails
the linker says: undefined reference.
it''s the third time.'),
('/issues.kite.dev/issues/team-gamma/build-component-checkout-fbe45d40', 'build-component-checkout-fbe45d40', 'team-gamma', 'build', 'critical', 'Push', '', '', '', '', '', 'Component', 'checkout', 'team-gamma', 'Active', '{run-7}', '{uid-7}', 'build of checkout fails
'),
('/issues.kite.dev/issues/team-gamma/frontend', 'frontend', 'team-gamma', 'build', 'major', '', '', '', '', '', '', 'Component', 'frontend', 'team-gamma', 'Active', '{}', '{}', 'build of frontend fails at link
');
