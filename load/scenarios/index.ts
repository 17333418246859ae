import { coldBurst } from './cold-burst.ts'
import { isolation } from './isolation.ts'
import { manyUsers } from './many-users.ts'
import { mixedTools } from './mixed-tools.ts'
import { overload } from './overload.ts'
import { replicasScenario } from './replicas.ts'
import { rollingRestart } from './rolling-restart.ts'
import type { Scenario } from './scenario.ts'
import { slowGraph } from './slow-graph.ts'
import { soak } from './soak.ts'
import { throttledGraph } from './throttled-graph.ts'
import { warm } from './warm.ts'

/** Every scenario, in the order in which --help names them. */
export const scenarios: readonly Scenario[] = [
  warm,
  coldBurst,
  manyUsers,
  mixedTools,
  slowGraph,
  throttledGraph,
  overload,
  rollingRestart,
  replicasScenario,
  isolation,
  soak,
]
