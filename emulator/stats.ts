import type { IncomingHttpHeaders } from 'node:http'

export type Endpoint = 'discovery' | 'keys' | 'authorize' | 'token' | 'devicecode' | 'graph' | 'identity' | 'roadmap'

/** A grant of the token endpoint. */
export type GrantName = 'authorization_code' | 'refresh_token' | 'on_behalf_of' | 'client_credentials' | 'device_code'

export interface GraphRequest {
  method: string
  url: string
  headers: Record<string, string>
}

export interface StatsSnapshot {
  endpoints: Record<Endpoint, number>
  grants: Record<GrantName, number>
  /** On-Behalf-Of requests with a valid assertion, by user principal name, successful or not. */
  exchangesByUser: Record<string, number>
  lastGraphRequest: GraphRequest | null
}

export type Stats = ReturnType<typeof createStats>

// Never `authorization` or cookies: the stats may be printed.
const GRAPH_HEADERS = ['accept', 'client-request-id', 'consistencylevel', 'content-type', 'prefer', 'user-agent']

/** Counts requests, so that tests can assert how many a server makes. */
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
    /** A copy. */
    snapshot: (): StatsSnapshot => structuredClone(counts),
    reset(): void {
      counts = zero()
    },
  }
}

function zero(): StatsSnapshot {
  return {
    endpoints: { discovery: 0, keys: 0, authorize: 0, token: 0, devicecode: 0, graph: 0, identity: 0, roadmap: 0 },
    grants: { authorization_code: 0, refresh_token: 0, on_behalf_of: 0, client_credentials: 0, device_code: 0 },
    exchangesByUser: {},
    lastGraphRequest: null,
  }
}
