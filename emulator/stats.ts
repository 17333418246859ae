import type { IncomingHttpHeaders } from 'node:http'

export type Endpoint = 'discovery' | 'keys' | 'authorize' | 'token' | 'devicecode' | 'graph' | 'identity'

/** A grant of the token endpoint, by its usual name. */
export type GrantName = 'authorization_code' | 'refresh_token' | 'on_behalf_of' | 'client_credentials' | 'device_code'

export interface GraphRequest {
  method: string
  url: string
  headers: Record<string, string>
}

export interface StatsSnapshot {
  endpoints: Record<Endpoint, number>
  grants: Record<GrantName, number>
  /** On-Behalf-Of requests with a good assertion, by user principal name, whatever came of them. */
  exchangesByUser: Record<string, number>
  lastGraphRequest: GraphRequest | null
}

export type Stats = ReturnType<typeof createStats>

// Never `authorization`, never a cookie: what is counted may be printed.
const GRAPH_HEADERS = ['accept', 'client-request-id', 'consistencylevel', 'content-type', 'prefer', 'user-agent']

/** Counts what the tenant is asked, so that a test can say how often a server came back. */
export function createStats() {
  let counts = zero()
  return {
    countEndpoint(endpoint: Endpoint): void {
      counts.endpoints[endpoint] += 1
    },
    countGrant(grant: GrantName): void {
      counts.grants[grant] += 1
    },
    countExchange(userPrincipalName = 'unknown'): void {
      counts.exchangesByUser[userPrincipalName] = (counts.exchangesByUser[userPrincipalName] ?? 0) + 1
    },
    recordGraphRequest(method: string, url: string, headers: IncomingHttpHeaders): void {
      const shown = GRAPH_HEADERS.flatMap((name) =>
        headers[name] === undefined ? [] : [[name, String(headers[name])]],
      )
      counts.lastGraphRequest = { method, url, headers: Object.fromEntries(shown) }
    },
    /** A copy: it does not move with later requests. */
    snapshot: (): StatsSnapshot => structuredClone(counts),
    reset(): void {
      counts = zero()
    },
  }
}

function zero(): StatsSnapshot {
  return {
    endpoints: { discovery: 0, keys: 0, authorize: 0, token: 0, devicecode: 0, graph: 0, identity: 0 },
    grants: { authorization_code: 0, refresh_token: 0, on_behalf_of: 0, client_credentials: 0, device_code: 0 },
    exchangesByUser: {},
    lastGraphRequest: null,
  }
}
