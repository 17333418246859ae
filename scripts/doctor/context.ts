import type { Config } from '../../src/config/index.ts'
import type { Deployment } from '../shared/deployment.ts'
import type { Io } from '../shared/io.ts'
import type { Answer, Probe } from './probe.ts'

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

/** Which tenant this is about, and where it answers. */
export interface Entra {
  readonly authorityHost: string
  readonly tenantId: string
  /** The server's app, which is the API. */
  readonly clientId: string
  readonly discoveryUrl: string
  readonly issuer: string
  readonly keysUrl: string
  readonly tokenUrl: string
}

/** An app registration and what the tenant has granted it, as far as it is judged. */
export interface Registration {
  readonly app: Application
  /** Delegated permissions of Graph that an administrator granted for everybody. */
  readonly granted: readonly string[]
  /** Names of Graph's delegated permissions, by id. */
  readonly graphPermissions: ReadonlyMap<string, string>
  readonly federated: readonly FederatedCredential[]
}

/** https://learn.microsoft.com/graph/api/resources/application */
export interface Application {
  readonly id: string
  readonly appId: string
  readonly identifierUris: readonly string[]
  readonly api: {
    readonly requestedAccessTokenVersion: number | null
    readonly oauth2PermissionScopes: readonly { readonly value: string; readonly isEnabled: boolean }[]
  }
  readonly web: { readonly redirectUris: readonly string[] }
  readonly spa: { readonly redirectUris: readonly string[] }
  readonly requiredResourceAccess: readonly {
    readonly resourceAppId: string
    readonly resourceAccess: readonly { readonly id: string }[]
  }[]
  readonly passwordCredentials: readonly { readonly hint: string | null; readonly endDateTime: string }[]
  readonly keyCredentials: readonly { readonly endDateTime?: string | null }[]
}

export interface FederatedCredential {
  readonly issuer: string
  readonly subject: string
}
