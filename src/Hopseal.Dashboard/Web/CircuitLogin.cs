using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Server;
using Microsoft.Extensions.Logging;

namespace Hopseal.Dashboard.Web;

/// <summary>Ends what is open in a browser when its login ended: a circuit would otherwise outlive it.</summary>
sealed class CircuitLogin(ILoggerFactory logs, LoginSessions sessions, LoginDemand demand) : RevalidatingServerAuthenticationStateProvider(logs)
{
    protected override TimeSpan RevalidationInterval { get; } = TimeSpan.FromSeconds(10);

    protected override Task<bool> ValidateAuthenticationStateAsync(AuthenticationState authenticationState, CancellationToken cancellationToken) =>
        Task.FromResult(!demand.Required || sessions.IsOpen(authenticationState.User));
}

/// <param name="Required">Whether anybody has to log in.</param>
sealed record LoginDemand(bool Required);
