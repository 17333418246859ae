import { coldBurst } from './cold-burst.ts'
import { manyUsers } from './many-users.ts'
import { mixedTools } from './mixed-tools.ts'
import type { Scenario } from './scenario.ts'
import { warm } from './warm.ts'

/** Every scenario, in the order in which --help names them. */
export const scenarios: readonly Scenario[] = [warm, coldBurst, manyUsers, mixedTools]
