using System.Globalization;
using System.Runtime.CompilerServices;
using Hopseal.Commands;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Smtp.Mail;

namespace Hopseal.Control;

/// <summary>Plans a delivery because somebody asks, and connects to nobody.</summary>
/// <param name="plan">For a domain and a sender; throws only when cancelled.</param>
/// <param name="health">Null when it is not known; throws only when cancelled.</param>
sealed class PlanOperations(
    PlanSource source,
    Func<string, Mailbox?, CancellationToken, ValueTask<DeliveryPlan>> plan,
    Func<CancellationToken, ValueTask<ResolverHealth?>> health,
    TimeProvider clock)
{
    /// <summary>One <see cref="ControlLine.Plan"/>, one <see cref="ControlLine.Text"/>, and the end.</summary>
    public async IAsyncEnumerable<ControlLine> RunAsync(ControlRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        if (Refuse(request, out var sender) is { } why)
        {
            yield return new ControlLine.Fault(why);
            yield break;
        }

        var domain = request.Domain!;
        var asking = health(cancel).AsTask();
        var made = await plan(domain, sender, cancel);
        var resolver = await asking;
        yield return PlanDescription.Of(domain, sender, source, clock.GetUtcNow(), made, resolver);
        yield return new ControlLine.Text(PlanText.WriteInFull(domain, made) + Words(resolver));
        yield return new ControlLine.Done(1, 0, 0, 0, 0, []);
    }

    static string Words(ResolverHealth? resolver) => resolver is null
        ? ""
        : string.Create(CultureInfo.InvariantCulture, $"  DNS resolver {resolver}, checked {resolver.CheckedAt.UtcDateTime:yyyy-MM-dd HH:mm} UTC\n");

    static string? Refuse(ControlRequest request, out Mailbox? sender)
    {
        sender = null;
        return request.Select(out var fault) is null ? fault
            : request.Domain is null ? "a plan is for one domain"
            : request.Sender is { } text && !AddressArgument.TryParse(text, out sender) ? "the sender is no address"
            : null;
    }
}
