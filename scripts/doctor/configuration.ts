import { ConfigError, readConfig } from '../../src/config/index.ts'
import type { Check } from './examine.ts'
import { failure, ok } from './finding.ts'

/** Every fault that would stop the start, by the server's own judgement. */
export const configuration: Check = {
  name: 'configuration',
  unless: ({ env }) =>
    env === undefined ? 'only a deployment is examined; --env-file names a configuration' : undefined,
  run({ env = {} }) {
    try {
      const { production, publicBaseUrl } = readConfig(env)
      return ok(`no fault; ${production ? 'production' : 'development'}, known as ${publicBaseUrl}`)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      return error.faults.map((fault) => failure(`${fault}.`, 'The README’s table says what each variable takes.'))
    }
  },
}
