// What the server runs on: registry, vault, environment, identity, in one resource group. server.bicep is the server itself.
// Assumptions: README.md. With azd (azure.yaml), or: az deployment sub create --template-file infra/main.bicep
targetScope = 'subscription'

@description('Name of this deployment; resources are named after it')
@minLength(1)
@maxLength(20)
param environmentName string

@description('Region, such as westeurope')
param location string

@description('MCP_OAUTH_SEAL_KEY, stored in the vault. Empty: the existing one stays')
@secure()
param sealKey string = ''

@description('CACHE_ENCRYPTION_KEY, stored in the vault; used with Redis only')
@secure()
param cacheKey string = ''

@description('none, or managed: an Azure Managed Redis that replicas share')
@allowed(['none', 'managed'])
param redis string = 'none'

@description('Custom host name, such as mcp.example.com, for the addresses below. Empty: that of Container Apps')
param customDomain string = ''

@description('Tags of every resource')
param tags object = {}

var token = toLower(uniqueString(subscription().id, environmentName, location))
var allTags = union(tags, { 'azd-env-name': environmentName })

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: allTags
}

module identity 'modules/identity.bicep' = {
  scope: group
  name: 'identity'
  params: {
    name: 'id-${token}'
    location: location
    tags: allTags
  }
}

module registry 'modules/registry.bicep' = {
  scope: group
  name: 'registry'
  params: {
    name: 'cr${token}'
    location: location
    tags: allTags
    pullerPrincipalId: identity.outputs.principalId
  }
}

module vault 'modules/vault.bicep' = {
  scope: group
  name: 'vault'
  params: {
    name: 'kv-${token}'
    location: location
    tags: allTags
    logsId: environment.outputs.logsId
    readerPrincipalId: identity.outputs.principalId
    sealKey: sealKey
    cacheKey: cacheKey
  }
}

module cache 'modules/redis.bicep' = if (redis == 'managed') {
  scope: group
  name: 'redis'
  params: {
    name: 'redis-${token}'
    location: location
    tags: allTags
    vaultName: vault.outputs.name
  }
}

module environment 'modules/environment.bicep' = {
  scope: group
  name: 'environment'
  params: {
    name: 'cae-${token}'
    logsName: 'log-${token}'
    location: location
    tags: allTags
  }
}

// server.bicep names the app.
var publicBaseUrl = 'https://${empty(customDomain) ? 'mcp-message-center.${environment.outputs.defaultDomain}' : customDomain}'

@description('The MCP endpoint for clients')
output MCP_URL string = '${publicBaseUrl}/mcp'

@description('Web redirect URI for the app registration')
output CALLBACK_URL string = '${publicBaseUrl}/oauth/callback'

output PUBLIC_BASE_URL string = publicBaseUrl

@description('The subject of the federated credential on the app registration')
output IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId

// For server.parameters.json.
output SERVER_IDENTITY_ID string = identity.outputs.id
output SERVER_IDENTITY_CLIENT_ID string = identity.outputs.clientId
output SEAL_KEY_SECRET_URL string = vault.outputs.sealKeySecretUrl
output CACHE_KEY_SECRET_URL string = vault.outputs.cacheKeySecretUrl
output REDIS_SECRET_URL string = redis == 'managed' ? cache.?outputs.secretUrl ?? '' : ''
output AZURE_CONTAINER_APPS_ENVIRONMENT_ID string = environment.outputs.id
output AZURE_CONTAINER_APPS_ENVIRONMENT_NAME string = environment.outputs.name

output AZURE_RESOURCE_GROUP string = group.name
output AZURE_CONTAINER_REGISTRY_NAME string = registry.outputs.name
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = registry.outputs.server
output AZURE_KEY_VAULT_NAME string = vault.outputs.name

@description('The vault has the keys: azure.yaml generates none')
output KEYS_IN_VAULT string = 'true'
