namespace Hopseal.Audit.Tests.Hello;

/// <summary>What a hello offers, read without what wrote it.</summary>
sealed record ReceivedHello(int Version, int[] Suites, int[] Compressions, IReadOnlyDictionary<int, byte[]> Extensions)
{
    public static ReceivedHello Read(byte[] record)
    {
        var at = 9;
        var version = Number(2);
        at += 32;
        var session = Number(1);
        at += session;
        var suites = Numbers(Number(2));
        var compressions = record[(at + 1)..(at + 1 + record[at])].Select(octet => (int)octet).ToArray();
        at += 1 + record[at];
        var extensions = new Dictionary<int, byte[]>();
        if (at < record.Length)
        {
            var end = Number(2) + at;
            while (at < end)
            {
                var type = Number(2);
                var length = Number(2);
                extensions.Add(type, record[at..(at + length)]);
                at += length;
            }
        }

        Assert.Equal(record.Length, at);
        var offered = extensions.TryGetValue(43, out var versions) ? (versions[1] << 8) | versions[2] : version;
        return new ReceivedHello(offered, suites, compressions, extensions);

        int Number(int octets)
        {
            var value = 0;
            for (var end = at + octets; at < end; at++)
            {
                value = (value << 8) | record[at];
            }

            return value;
        }

        int[] Numbers(int octets)
        {
            var values = new int[octets / 2];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = Number(2);
            }

            return values;
        }
    }

    public int[] Listed(int extension) => Extensions.TryGetValue(extension, out var data)
        ? [.. Enumerable.Range(1, (data.Length - 2) / 2).Select(i => (data[i * 2] << 8) | data[(i * 2) + 1])]
        : [];
}

/// <summary>A server that no library of today would be: it has whatever a test says, and no key.</summary>
sealed record OldServer
{
    public int[] Versions { get; init; } = [];

    /// <summary>In its order of preference.</summary>
    public int[] Suites { get; init; } = [];

    /// <summary>Of TLS 1.3, in its order of preference.</summary>
    public int[] Groups { get; init; } = [];

    public bool MasterSecret { get; init; } = true;

    public bool Renegotiation { get; init; } = true;

    public bool Compresses { get; init; }

    /// <summary>What it answers to a hello of SSL 2.0; empty: it hangs up.</summary>
    public byte[] Ssl2Answer { get; init; } = [];

    public ScriptedServer Start() => ScriptedServer.Start(async (stream, stop) =>
    {
        var hello = await ReadAsync(stream, stop);
        if ((hello[0] & 0x80) != 0)
        {
            await stream.WriteAsync(Ssl2Answer, stop);
            return;
        }

        await stream.WriteAsync(Answer(ReceivedHello.Read(hello)), stop);
    });

    public static async Task<byte[]> ReadAsync(Stream stream, CancellationToken stop)
    {
        var header = new byte[5];
        await stream.ReadExactlyAsync(header, stop);
        if ((header[0] & 0x80) != 0)
        {
            var rest = new byte[(((header[0] & 0x7F) << 8) | header[1]) - 3];
            await stream.ReadExactlyAsync(rest, stop);
            return [.. header, .. rest];
        }

        var body = new byte[(header[3] << 8) | header[4]];
        await stream.ReadExactlyAsync(body, stop);
        return [.. header, .. body];
    }

    public byte[] Answer(ReceivedHello hello)
    {
        var version = hello.Extensions.ContainsKey(43)
            ? Versions.Where(mine => mine == hello.Version).Max(Nullable)
            : Versions.Where(mine => mine <= hello.Version && mine < 0x0304).Max(Nullable);
        if (version is not { } chosen)
        {
            return Flights.Alert(2, 70);
        }

        var suite = Suites.FirstOrDefault(mine => hello.Suites.Contains(mine) && (mine >> 8 == 0x13) == (chosen == 0x0304));
        if (suite == 0)
        {
            return Flights.Alert(2, 40);
        }

        if (chosen == 0x0304)
        {
            var group = Groups.FirstOrDefault(mine => hello.Listed(10).Contains(mine));
            return group == 0 ? Flights.Alert(2, 40) : Flights.Record(22, Flights.RetryRequest(suite, group));
        }

        byte[] extensions =
        [
            .. MasterSecret && hello.Extensions.ContainsKey(23) ? Flights.Extension(23) : [],
            .. Renegotiation && hello.Extensions.ContainsKey(0xFF01) ? Flights.Extension(0xFF01, 0) : [],
        ];
        var compression = Compresses && hello.Compressions.Contains(1) ? 1 : 0;
        return
        [
            .. Flights.Record(22, Flights.ServerHello(chosen, suite, extensions.Length == 0 ? null : extensions, compression), chosen),
            .. Flights.Record(22, [.. Flights.Certificates([0x30, 0]), .. Flights.Done], chosen),
        ];
    }

    static int? Nullable(int value) => value;
}
