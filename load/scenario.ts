import type { Harness } from './harness.ts'
import type { Findings } from './report/report.ts'

/** Numbers that a scenario can be given, each an option of its command. */
export const settingNames = ['users', 'connections', 'seconds', 'rounds', 'rate', 'calls'] as const
export type SettingName = (typeof settingNames)[number]
export type Settings = Readonly<Partial<Record<SettingName, number>>>

/**
 * What a scenario has to have: `target`: a server to call; `tenant`: an emulated tenant as well, in which it causes
 * faults; `processes`: servers that the run starts itself, since it ends them.
 */
export type Needs = 'target' | 'tenant' | 'processes'

export interface Scenario {
  readonly name: string
  /** One line. */
  readonly description: string
  readonly needs: Needs
  /** Its settings, with what they are unless given. */
  readonly defaults: Settings
  run(harness: Harness, settings: Settings): Promise<Findings>
}

/** A scenario whose settings are those that it has defaults for. */
export function defineScenario<Own extends Settings>(
  scenario: Omit<Scenario, 'defaults' | 'run'> & {
    readonly defaults: Own
    run(harness: Harness, settings: Record<keyof Own, number>): Promise<Findings>
  },
): Scenario {
  return {
    ...scenario,
    run: (harness, settings) =>
      scenario.run(harness, { ...scenario.defaults, ...settings } as Record<keyof Own, number>),
  }
}
