import type { Config } from '../../src/config.ts'
import type { Deployment } from '../shared/deployment.ts'
import type { Io } from '../shared/io.ts'
import type { Entra } from './entra.ts'
import type { Answer, Probe } from './probe.ts'
import type { Registration } from './registration.ts'

/** What there is to examine, and the ways to it. Documents are fetched once, however many checks look at them. */
export interface Context {
  readonly io: Io
  /** Milliseconds since the epoch, by this machine's clock. */
  readonly now: () => number
  /** The variables to judge; undefined where only a deployment is examined. */
  readonly env: Io['env'] | undefined
  /** What they say, where they say it without a fault. */
  readonly config: Config | undefined
  readonly deployment: Deployment | undefined
  /** To the deployment, whose certificate has a check of its own: nothing secret goes this way. */
  readonly toDeployment: Probe
  /** To Entra and Graph. */
  readonly toMicrosoft: Probe
  /** Certificates of a private authority, as PEM; those of the machine where there are none. */
  readonly trusted: string | undefined
  /** Which tenant and app this is about, by the configuration or by what the deployment says. */
  readonly entra: () => Promise<Entra>
  /** Where Graph is, without a slash at its end. */
  readonly graphBaseUrl: string
  /** Whether an operator signs in to read the app registration … */
  readonly canReadRegistration: boolean
  /** … and the token that this brings. @throws {OperatorError} */
  readonly operatorToken: () => Promise<string>
  /** An app registration by its client id. @throws {OperatorError} */
  readonly registration: (appId: string) => Promise<Registration>
  /** An answer of POST /mcp without a token. */
  readonly challenge: () => Promise<Answer>
}
