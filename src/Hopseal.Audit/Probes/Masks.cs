using System.Collections.Immutable;
using Hopseal.Smtp.Client;

namespace Hopseal.Audit.Probes;

/// <summary>Signs that somebody on the way overwrites what a server says, as senders see them (<see cref="MaskedCapabilities"/>).</summary>
static class Masks
{
    public static ImmutableArray<string> Of(Opening opening) =>
    [
        .. MaskedCapabilities.IsMaskedGreeting(opening.Banner) ? [$"greeting: {ProbeTranscript.Clean(opening.Banner)}"] : Array.Empty<string>(),
        .. opening.Capabilities.Where(MaskedCapabilities.IsMask).Select(line => $"capability: {ProbeTranscript.Clean(line)}"),
    ];
}
