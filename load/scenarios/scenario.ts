import type { Findings, Rule } from '../report/report.ts'
import type { Stage } from '../stage.ts'

/** What a scenario can be told, and its option on the command line. */
export const settingNames = ['users', 'connections', 'seconds', 'rounds', 'rate', 'calls'] as const
export type SettingName = (typeof settingNames)[number]
export type Settings = Partial<Record<SettingName, number>>

/**
 * What a scenario has to have: `anything`: a target to call; `tenant`: an emulated tenant as well, in which it makes
 * things happen; `processes`: that the run starts the servers itself, since it ends them.
 */
export type Needs = 'anything' | 'tenant' | 'processes'

export interface Scenario {
  readonly name: string
  /** One line. */
  readonly about: string
  readonly needs: Needs
  /** What it can be told, with what it takes where nothing is said. */
  readonly defaults: Settings
  run(stage: Stage, settings: Settings): Promise<Findings>
}

/** A scenario whose settings are those that it has defaults for. */
export function defineScenario<Own extends Settings>(scenario: {
  readonly name: string
  readonly about: string
  readonly needs: Needs
  readonly defaults: Own
  run(stage: Stage, settings: Record<keyof Own, number>): Promise<Findings>
}): Scenario {
  return {
    ...scenario,
    run: (stage, settings) => scenario.run(stage, { ...scenario.defaults, ...settings } as Record<keyof Own, number>),
  }
}

/** The rule of scenarios in which nothing goes wrong on purpose. */
export function nothingFails({ measurements }: Pick<Findings, 'measurements'>): Rule {
  const kinds = measurements.flatMap(({ name, errors }) =>
    Object.entries(errors).map(([kind, number]) => `${number} × ${kind} (${name})`),
  )
  return { says: 'no call fails', holds: kinds.length === 0, seen: kinds.length === 0 ? 'none' : kinds.join(', ') }
}
