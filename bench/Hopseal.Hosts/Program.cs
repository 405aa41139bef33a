using System.Globalization;
using Hopseal.Hosts;

const string Usage = """
    usage: hopseal-hosts [options] DIRECTORY

    A world of domains to be audited: a DNS server, and mail hosts on addresses of 127.0.0.0/8. Into DIRECTORY it writes
    domains.txt, hosts.tsv (name, address, what it is like) and root.pem, the authority of its certificates; then it prints "ready".
    For each line "tally" on its input it prints one line of JSON, what it saw since the last; it ends with its input, or by a signal.

      -n N     domains (default 10000)
      -d PORT  of DNS, on 127.0.0.1 (default 24653)     -p PORT  of the mail hosts (default 24625)
      -l MS    a round trip to the nearest mail host; twice as long to the farthest (default 50)
      -q MS    the fastest answer of DNS; the slowest takes three times as long (default 10)
      -s SEC   what a slow host waits before it greets (default 20)
    """;

if (HostsOptions.Parse(args) is not { } options)
{
    await Console.Error.WriteLineAsync(Usage);
    return 2;
}

var authority = new Authority();
var world = new World(options, authority);
var tally = new Tally();
Directory.CreateDirectory(options.Directory);
await File.WriteAllTextAsync(Path.Combine(options.Directory, "root.pem"), authority.RootPem);
await File.WriteAllLinesAsync(Path.Combine(options.Directory, "domains.txt"), world.Domains);
await File.WriteAllLinesAsync(
    Path.Combine(options.Directory, "hosts.tsv"), world.Hosts.Select(host => string.Create(CultureInfo.InvariantCulture, $"{host.Name}\t{host.Address}\t{host.Temper}")));

_ = new NameServer(options, world.Zone, tally).RunAsync();
var mail = new MailHosts(options, authority, tally);
foreach (var host in world.Hosts.Where(host => host.Temper is not Temper.Absent))
{
    mail.Listen(host);
}

Console.WriteLine("ready");
while (await Console.In.ReadLineAsync() is { } line)
{
    if (line == "tally")
    {
        Console.WriteLine(tally.TakeJson());
    }
}

return 0;
