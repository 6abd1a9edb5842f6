"""Sentences for all-MiniLM-L6-v2: one set to measure, two to calibrate with, which have no sentence in common."""

from __future__ import annotations

TOPICS = (
    "the ferry leaves the harbour before sunrise",
    "prices of wheat have fallen for a third year",
    "her brother teaches chemistry at a school",
    "the battery lasts longer in warm weather",
    "onions are fried slowly in a little oil",
    "a comet was seen low over the horizon",
    "the goalkeeper saved two penalties",
    "they painted the old fence green",
)
FORMS = (
    "This morning {}.",
    "Nobody denies that {}.",
    "Is it true that {}?",
    "{}, as usual.",
    "The letter says that {}, but gives no reason.",
    "If {}, we should go.",
    "Remember that {}!",
    "Last summer we heard that {}, and then forgot it.",
)
SENTENCES = [form.format(topic) for topic in TOPICS for form in FORMS]

OTHER_TOPICS = (
    "the bakery opens an hour later on Sundays",
    "the new bridge carries trams and bicycles",
    "his cousin repairs clocks in a small shop",
    "the printer ran out of paper at noon",
    "rice is rinsed until the water stays clear",
    "two planets stood close to the moon",
    "the swimmer broke her own record",
    "we planted a pear tree behind the house",
)
OTHER_FORMS = ("Yesterday {}.", "Why is it that {}?", "They wrote that {}, and we believed them.", "{} again.")
NEAR = [form.format(topic) for topic in OTHER_TOPICS for form in OTHER_FORMS]

# Prose of many fields: the inputs of a layer span more directions than short sentences of one kind reach.
PASSAGES = (
    "A river that leaves the mountains slows down, drops its gravel first, then sand, and carries only the finest mud "
    "as far as the sea. The plain it builds is flat, fertile and often flooded, so towns stand on the few low ridges.",
    "To change a tyre, loosen the nuts a little while the wheel is still on the ground, raise the car with the jack, "
    "take the wheel off, and tighten the nuts of the spare one crosswise before you drive on.",
    "The court found that the contract was void, because one party had hidden a debt of 40,000 euros. Both sides bear "
    "their own costs. An appeal must be filed within thirty days of this judgment.",
    "Bees tell each other where flowers are by dancing on the comb: the angle of the dance shows the direction against "
    "the sun, and its length the distance. Visitors from other hives understand only part of it.",
    "Version 2.4 of the library removes the old parser. Programs that call parse_line must pass a buffer and its "
    "length; those that read whole files need no change. Tests run in half the time they took before.",
    "Grandmother kept letters in a tin box under the stairs. Most were about the weather and the price of coal, but "
    "one, in another hand, began without a greeting and ended in the middle of a word.",
    "Protein folds within milliseconds although the number of its possible shapes is beyond counting. It does not try "
    "them all; each small piece that finds its place makes the next step more likely.",
    "Shares of the airline fell by nine percent after it cut its forecast for the winter. Analysts blamed the price of "
    "fuel and a strike in March; the company's debt, they said, is less of a worry than it was.",
    "Mix the flour with salt, cut in the cold butter, add three spoons of water and let the dough rest for an hour. "
    "Bake it blind at 190 degrees until the edges are brown, then fill it with leeks, cream and two eggs.",
    "The prime minister met the leaders of the opposition on Tuesday to discuss the budget. Neither side would say "
    "whether taxes on land are to rise. A vote is expected before the end of the month.",
    "In chess a bishop keeps the colour on which it starts. Two bishops together cover the whole board, which is why "
    "players give a knight and a pawn for a second one when the centre is open.",
    "The patient, aged 61, complained of pain in the left shoulder for six weeks. There was no swelling, no fever, and "
    "the range of motion was normal except when the arm was raised behind the back.",
    "Old maps put the island too far west by almost a hundred miles. Sailors steered for its latitude first and then "
    "followed it until they saw birds; only with good clocks could they aim at the place itself.",
    "A triangle with sides of 3, 4 and 5 units has a right angle. Builders of long ago marked it on a rope with twelve "
    "equal parts, and with three pegs they could lay out the corner of a temple.",
    "Please keep dogs on a lead near the lake from April to July, when ground birds breed. Fires are forbidden at all "
    "times. Rubbish bins are emptied on Mondays; take home what does not fit.",
    "The violinist tuned a little high so that the sound would carry over the brass. In the slow movement she let the "
    "notes fade until nobody could tell where the silence began, and then the horns came in.",
    "Concrete hardens because water and cement form crystals that lock together, not because it dries. Kept wet for a "
    "week it grows stronger than if it is left in the sun, and frost in the first night may ruin it.",
    "Our hotel was ten minutes from the station, quiet and clean, but the lift was broken and the breakfast poor. The "
    "owner was kind and lent us umbrellas. For the price I would stay there again.",
    "When the wind turns north in autumn, geese gather on the fields by the thousand. They leave at dusk, in long "
    "uneven lines, calling, and for some nights the whole village sleeps badly.",
    "Volcanic ash in the upper air scatters sunlight, and the summers after a great eruption are cool. Harvests failed "
    "in 1816 from Ireland to New England, and grain was shipped across oceans.",
    "He asked for a loan of 500 dollars and offered his watch as a pledge. She laughed, gave him the money and told "
    "him to keep the watch, since a man without money should at least know what time it is.",
    "Electric motors turn most of their energy into motion; engines that burn petrol waste two thirds of it as heat. "
    "In winter that heat is useful, which is why electric cars lose range when it is cold.",
    "The second half was better. After a corner in the 63rd minute the captain headed the ball against the post, and "
    "ten minutes later a long shot slipped through the keeper's hands: one to nil.",
    "Latin had no word for yes. Its daughters found some: French took this is it, Italian and Spanish took thus, and a "
    "whole region of the south is named after its own way of saying it.",
    "Before you send the form, check the account number and sign on page three. We cannot accept copies. If you have "
    "moved since last year, add a proof of your new address and the date of the change.",
    "Moss grows without roots and drinks through its leaves. A dry cushion looks dead for months, yet a single rain "
    "wakes it within minutes, and it goes on as if nothing had happened.",
    "The detective noticed that the clock was right, though the power had failed at two. Somebody had set it again, "
    "somebody who knew the house, had time to spare and could not bear a wrong clock.",
    "Interest that is added to a loan bears interest itself. At seven percent a debt doubles in about ten years; at "
    "fourteen it takes five. Divide seventy by the rate, and you have the years.",
    "Light from the sun takes eight minutes to reach us, that of the nearest star four years, and that of the galaxy "
    "next door two million. Whoever looks up looks back, further the darker the night.",
    "Silk was a secret for two thousand years. Then, it is told, two monks carried the eggs of the moth out of the "
    "country in hollow canes, together with seeds of the mulberry tree.",
)
CLAUSES = (
    "the museum returned three masks to the island",
    "a cold front reaches the coast tonight",
    "the compiler stores constants behind the code",
    "vitamin C is lost when vegetables are boiled",
    "her thesis compares the laws of four countries",
    "the cat refuses to use the new door",
    "trains between the two capitals run every half hour",
    "the orchestra travels with its own chairs",
    "most of the desert is stone and not sand",
    "a vaccine for goats was tested in the valley",
    "the lecture on black holes was full",
    "they sell honey and candles at the market",
    "the password must have twelve characters",
    "an old theatre became a library",
    "the marathon passes the cathedral twice",
    "whales sing lower than they did in 1960",
    "the lawyer asked for another week",
    "small farms cannot pay for the machine",
    "his novel is told by a lighthouse",
    "the glacier has lost half of its length",
    "nurses work twelve hours at the weekend",
    "the satellite sends one picture a day",
    "tea was once used as money",
    "the actor forgot his lines and sang instead",
    "a crack runs through the northern wall",
    "the app counts steps but not stairs",
    "wolves were seen near the motorway",
    "the mayor rides to work on a horse",
    "copper kills bacteria on door handles",
    "the exam begins at nine in room 204",
    "children under six travel free",
    "the recipe needs more lemon than sugar",
    "a thin layer of ice covered the pond",
    "the union accepted the offer of the company",
    "two engineers left to found a firm",
    "the painting hung upside down for a month",
    "salt keeps the road free of ice",
    "the queen moved her court to the south",
    "earthquakes are measured on a logarithmic scale",
    "the radio plays nothing but waltzes at night",
)
CLAUSE_FORMS = ("Did you know that {}?", "In the report we read that {}.")
FAR = [*PASSAGES, *(form.format(clause) for clause in CLAUSES for form in CLAUSE_FORMS)]
