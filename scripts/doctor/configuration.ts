import { ConfigError, readConfig } from '../../src/config/index.ts'
import type { Check } from './examine.ts'
import { failure, ok } from './finding.ts'

/** Every configuration error that would stop the start, by the server's own rules. */
export const configuration: Check = {
  name: 'configuration',
  unless: ({ env }) => (env === undefined ? 'deployment only; --env-file names a configuration' : undefined),
  run({ env = {} }) {
    try {
      const { production, publicBaseUrl } = readConfig(env)
      return ok(`valid; ${production ? 'production' : 'development'}, PUBLIC_BASE_URL ${publicBaseUrl}`)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      return error.errors.map(({ name, message }) =>
        failure(`${name} ${message}.`, 'docs/configuration.md says what each variable takes.'),
      )
    }
  },
}
