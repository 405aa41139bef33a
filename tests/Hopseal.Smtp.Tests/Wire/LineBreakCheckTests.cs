using System.Text;
using FsCheck.Xunit;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tests.Wire;

public sealed class LineBreakCheckTests
{
    [Theory]
    [InlineData("", ContentFault.None)]
    [InlineData("a\r\nb\r\n", ContentFault.None)]
    [InlineData("a", ContentFault.None)]
    [InlineData("a\nb", ContentFault.BareLineBreak)]
    [InlineData("a\rb", ContentFault.BareLineBreak)]
    [InlineData("a\r", ContentFault.BareLineBreak)]
    [InlineData("a\r\r\n", ContentFault.BareLineBreak)]
    [InlineData("\n", ContentFault.BareLineBreak)]
    [InlineData("a\0", ContentFault.Nul)]
    public void A_fault_is_found_wherever_the_pieces_are_cut(string content, ContentFault fault)
    {
        var octets = Encoding.ASCII.GetBytes(content);
        for (var cut = 0; cut <= octets.Length; cut++)
        {
            var check = new LineBreakCheck();
            check.Look(octets.AsSpan(0, cut));
            check.Look(octets.AsSpan(cut));
            check.Finish();
            Assert.Equal(fault, check.Fault);
        }
    }

    [Property]
    public bool Octet_by_octet_is_the_same_as_at_once(byte[] content)
    {
        var whole = new LineBreakCheck();
        whole.Look(content);
        whole.Finish();
        var single = new LineBreakCheck();
        foreach (var octet in content)
        {
            single.Look([octet]);
        }

        single.Finish();
        return whole.Fault == single.Fault;
    }
}
