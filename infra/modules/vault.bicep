// The server's secrets. The vault holds nothing else, so the identity may read all of it.
param name string
param location string
param tags object
param readerPrincipalId string
param logsId string

@secure()
param sealKey string

@secure()
param cacheKey string

// Key Vault Secrets User
var read = '4633458b-17de-408a-b874-0445c86b69e6'

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 7
    enablePurgeProtection: true
  }
}

resource key 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(sealKey)) {
  parent: vault
  name: 'mcp-oauth-seal-key'
  properties: {
    value: sealKey
  }
}

resource cacheEncryptionKey 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(cacheKey)) {
  parent: vault
  name: 'cache-encryption-key'
  properties: {
    value: cacheKey
  }
}

// Who read or changed a key.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vault
  name: 'audit'
  properties: {
    workspaceId: logsId
    logs: [
      {
        category: 'AuditEvent'
        enabled: true
      }
    ]
  }
}

resource mayRead 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, readerPrincipalId, read)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', read)
    principalId: readerPrincipalId
    principalType: 'ServicePrincipal'
  }
}

output name string = vault.name
// Without a version: Container Apps loads the newest within half an hour, so that keys can rotate.
output sealKeySecretUrl string = '${vault.properties.vaultUri}secrets/mcp-oauth-seal-key'
output cacheKeySecretUrl string = '${vault.properties.vaultUri}secrets/cache-encryption-key'
